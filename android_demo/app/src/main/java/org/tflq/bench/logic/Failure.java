package org.tflq.bench.logic;

/** Something that stops a job or one of its runs, with the code that PROTOCOL.md gives it. */
public final class Failure extends Exception {
    public static final String BAD_JOB = "bad_job";
    public static final String MISSING_FILE = "missing_file";
    public static final String WRONG_HASH = "wrong_hash";
    public static final String NO_RUNTIME = "no_runtime";
    public static final String CANCELLED = "cancelled";
    public static final String FAILED = "failed";
    public static final String BACKEND_REFUSED = "backend_refused";
    public static final String BAD_MODEL = "bad_model";
    public static final String BAD_INPUT = "bad_input";
    public static final String OUT_OF_MEMORY = "out_of_memory";

    private final String code;

    public Failure(String code, String message) {
        super(message);
        this.code = code;
    }

    public Failure(String code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public String code() {
        return code;
    }

    /** Whether nothing can be measured after it, so that the whole job ends. */
    public boolean endsTheJob() {
        return code.equals(CANCELLED) || code.equals(NO_RUNTIME);
    }

    /** Any throwable as a failure; what is one already stays as it is. */
    public static Failure of(Throwable thrown) {
        if (thrown instanceof Failure) {
            return (Failure) thrown;
        }
        String code = thrown instanceof OutOfMemoryError ? OUT_OF_MEMORY : FAILED;
        String message = thrown.getMessage();
        String text = thrown.getClass().getSimpleName() + (message == null ? "" : ": " + message);
        return new Failure(code, text, thrown);
    }
}
