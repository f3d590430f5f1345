package bank;

/** An account in cents, which may not be overdrawn. */
public class Account {
    private long balance;

    public long balance() {
        return balance;
    }

    public void deposit(long cents) {
        if (cents <= 0) {
            throw new IllegalArgumentException("not a sum: " + cents);
        }
        balance += cents;
    }

    public void withdraw(long cents) {
        if (cents > balance) {
            throw new IllegalStateException("overdrawn");
        }
        balance -= cents;
    }
}
