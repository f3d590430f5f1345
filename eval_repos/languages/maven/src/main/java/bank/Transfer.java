package bank;

/** Moves money between accounts. */
public final class Transfer {
    private Transfer() {
    }

    /** All or nothing: where a part cannot be paid, nothing is. */
    public static void split(Account from, long cents, Account... to) {
        long part = cents / to.length;
        for (Account account : to) {
            from.withdraw(part);
            account.deposit(part);
        }
    }
}
