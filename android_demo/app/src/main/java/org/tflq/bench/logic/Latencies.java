package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Durations of the inferences of one round. */
public final class Latencies {
    private static final int MOST_OF_A_ROUND = 5000;

    /** About 12 characters each, so that a result stays below the 8 MiB that the host takes. */
    private static final int MOST_OF_A_RESULT = 600_000;

    private long[] nanos = new long[1024];
    private int count;

    public void add(long duration) {
        if (count == nanos.length) {
            nanos = Arrays.copyOf(nanos, 2 * count);
        }
        nanos[count++] = duration;
    }

    public int count() {
        return count;
    }

    public double[] milliseconds() {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = nanos[i] / 1e6;
        }
        return values;
    }

    /** How many a result of so many rounds of runs holds of each. */
    public static int mostOf(int rounds) {
        return Math.max(1, Math.min(MOST_OF_A_ROUND, MOST_OF_A_RESULT / rounds));
    }

    /** Every n-th, n being the least that leaves {@code most} or fewer. */
    public List<Object> thinned(int most) {
        int every = Math.max(1, (count + most - 1) / most);
        List<Object> kept = new ArrayList<>();
        for (int i = 0; i < count; i += every) {
            kept.add(nanos[i] / 1e6);
        }
        return kept;
    }
}
