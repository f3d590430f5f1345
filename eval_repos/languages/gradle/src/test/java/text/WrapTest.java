package text;

import static org.junit.Assert.assertEquals;

import java.util.Arrays;
import java.util.Collections;
import org.junit.Test;

public class WrapTest {
    @Test
    public void aShortTextIsOneLine() {
        assertEquals(Collections.singletonList("short"), Wrap.lines("short", 10));
    }

    @Test
    public void nothingHasNoLines() {
        assertEquals(Collections.emptyList(), Wrap.lines("", 10));
    }

    @Test
    public void wordsStayWhole() {
        assertEquals(Arrays.asList("the quick", "brown fox"), Wrap.lines("the quick brown fox", 12));
    }

    @Test
    public void aLongWordHasItsOwnLine() {
        assertEquals(Arrays.asList("a", "considerably", "longer", "word"), Wrap.lines("a considerably longer word", 8));
    }
}
