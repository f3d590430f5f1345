package bank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class AccountTest {
    @Test
    void takesWhatIsThere() {
        Account account = new Account();
        account.deposit(500);
        account.withdraw(200);
        assertEquals(300, account.balance());
    }

    @Test
    void isNeverOverdrawn() {
        assertThrows(IllegalStateException.class, () -> new Account().withdraw(1));
    }

    @Test
    void refusesToTakeLessThanNothing() {
        Account account = new Account();
        assertThrows(IllegalArgumentException.class, () -> account.withdraw(-5));
        assertEquals(0, account.balance());
    }
}
