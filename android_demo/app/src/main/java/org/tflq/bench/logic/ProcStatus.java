package org.tflq.bench.logic;

/** Figures of /proc/self/status. */
public final class ProcStatus {
    private ProcStatus() {}

    /** Resident memory in bytes, or 0 where the text has none. */
    public static long resident(String status) {
        return bytes(status, "VmRSS:");
    }

    /** The most resident memory so far, in bytes, or 0 where the text has none. */
    public static long peak(String status) {
        return bytes(status, "VmHWM:");
    }

    private static long bytes(String status, String key) {
        for (String line : status.split("\n")) {
            if (line.startsWith(key)) {
                String[] words = line.substring(key.length()).trim().split("\\s+");
                boolean known = words.length == 2 && words[1].equals("kB");
                return known && words[0].matches("\\d{1,12}") ? 1024 * Long.parseLong(words[0]) : 0;
            }
        }
        return 0;
    }
}
