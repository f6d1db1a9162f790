package org.tflq.bench.engine;

import java.util.List;

/** Reads what the runtime logged from this process. */
public interface LogReader {
    /** Messages since a time, in milliseconds since 1970; empty where the log cannot be read. */
    List<String> since(long epochMillis);
}
