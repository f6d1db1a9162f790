package org.tflq.bench.logic;

import java.util.Arrays;

/** The power that the phone draws anyway: measured before and after, linear in between. */
public final class IdleBaseline {
    static final int BLOCKS = 5;

    /** Idle power that changed by more than this share is not one baseline. */
    private static final double DRIFT = 0.25;

    private final double start;
    private final double end;
    private final double before;
    private final double after;

    /** Standard error of the baseline, in mW. */
    public final double error;

    public IdleBaseline(PowerCurve curve, Window before, Window after) {
        Window first = before.settled(curve.period());
        Window last = after.settled(curve.period());
        this.start = first.middle();
        this.end = last.middle();
        this.before = curve.meanMilliwatts(first.from, first.to);
        this.after = curve.meanMilliwatts(last.from, last.to);
        this.error = Math.max(blockError(curve, first), blockError(curve, last));
    }

    /**
     * Neighbouring samples resemble each other, so the spread of block means is what counts. A
     * block without a value (a charge counter that did not step) leaves its neighbours to judge by.
     */
    private static double blockError(PowerCurve curve, Window window) {
        double[] means = new double[BLOCKS];
        int known = 0;
        for (Window block : window.split(BLOCKS)) {
            double mean = curve.meanMilliwatts(block.from, block.to);
            if (!Double.isNaN(mean)) {
                means[known++] = mean;
            }
        }
        double deviation = Statistics.deviation(Arrays.copyOf(means, known));
        return known < 2 ? 0 : deviation / Math.sqrt(known);
    }

    /** Idle power in mW at a time. */
    public double at(double seconds) {
        double share = Math.max(0, Math.min(1, (seconds - start) / (end - start)));
        return before + share * (after - before);
    }

    public boolean isKnown() {
        return !Double.isNaN(before) && !Double.isNaN(after);
    }

    public boolean drifted() {
        double larger = Math.max(Math.abs(before), Math.abs(after));
        return Math.abs(after - before) > Math.max(DRIFT * larger, 3 * error);
    }
}
