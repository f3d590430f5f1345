package bank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class TransferTest {
    private final Account from = new Account();
    private final Account one = new Account();
    private final Account two = new Account();

    @Test
    void sharesEvenly() {
        from.deposit(100);
        Transfer.split(from, 100, one, two);
        assertEquals(50, one.balance());
        assertEquals(50, two.balance());
    }

    @Nested
    class WhereItDoesNotComeOut {
        @Test
        void theFirstGetsTheRest() {
            from.deposit(101);
            Transfer.split(from, 101, one, two);
            assertEquals(51, one.balance());
            assertEquals(0, from.balance());
        }

        @Test
        void nothingIsPaidInPart() {
            from.deposit(60);
            assertThrows(IllegalStateException.class, () -> Transfer.split(from, 100, one, two));
            assertEquals(0, one.balance());
            assertEquals(60, from.balance());
        }
    }
}
