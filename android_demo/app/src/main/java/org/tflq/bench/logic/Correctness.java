package org.tflq.bench.logic;

import java.nio.ByteBuffer;

/** Share of output codes that are what they should be. */
public final class Correctness {
    private long identical;
    private long total;

    /**
     * Compares tensors, element by element.
     *
     * @param elementBytes bytes of an element; two codes are the same when all of them are
     */
    public void add(ByteBuffer found, ByteBuffer expected, int elementBytes) {
        if (found.limit() != expected.limit() || found.limit() % elementBytes != 0) {
            throw new IllegalArgumentException(
                    found.limit() + " and " + expected.limit() + " bytes of " + elementBytes);
        }
        for (int start = 0; start < found.limit(); start += elementBytes) {
            boolean same = true;
            for (int i = start; i < start + elementBytes; i++) {
                same &= found.get(i) == expected.get(i);
            }
            identical += same ? 1 : 0;
            total++;
        }
    }

    /** From 0 to 1, or null when nothing was compared. */
    public Double share() {
        return total == 0 ? null : (double) identical / total;
    }
}
