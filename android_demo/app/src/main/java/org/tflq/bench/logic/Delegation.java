package org.tflq.bench.logic;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How much of a model a delegate took, read from what TensorFlow Lite logs when it is applied; its
 * Java API does not tell.
 */
public final class Delegation {
    private static final Pattern LINE =
            Pattern.compile(
                    "Replacing (\\d{1,9}) out of (\\d{1,9}) node\\(s\\) with delegate"
                            + " \\(([^)]*)\\)");

    public final int delegatedOps;
    public final int ops;

    /** The delegate's own name for itself. */
    public final String delegate;

    private Delegation(int delegatedOps, int ops, String delegate) {
        this.delegatedOps = delegatedOps;
        this.ops = ops;
        this.delegate = delegate;
    }

    /**
     * The delegation that lines of the log tell of, or null when none does. The first line of that
     * delegate counts: further ones are of subgraphs that control flow calls.
     */
    public static Delegation parse(Iterable<String> lines, Backend backend) {
        for (String line : lines) {
            Matcher matcher = LINE.matcher(line);
            if (matcher.find() && named(matcher.group(3), backend)) {
                return new Delegation(
                        Integer.parseInt(matcher.group(1)),
                        Integer.parseInt(matcher.group(2)),
                        matcher.group(3));
            }
        }
        return null;
    }

    private static boolean named(String delegate, Backend backend) {
        return delegate.toLowerCase(Locale.ROOT).contains(backend.key);
    }
}
