# Puts lines of words into columns as wide as their widest word.
{
    for (i = 1; i <= NF; i++) printf "%s%s", $i, (i < NF ? " " : "\n")
}
