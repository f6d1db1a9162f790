package org.tflq.bench.logic;

import java.util.Arrays;

/** Figures of a list of numbers. */
public final class Statistics {
    private static final int INTERVALS = 4000;

    private Statistics() {}

    public static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** Standard deviation of a sample (n - 1); 0 for a single value. */
    public static double deviation(double[] values) {
        if (values.length < 2) {
            return 0;
        }
        double mean = mean(values);
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return Math.sqrt(sum / (values.length - 1));
    }

    /** Percentile, 0 to 100, linear between the two nearest values. */
    public static double percentile(double[] values, double percent) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double position = percent / 100 * (sorted.length - 1);
        int below = (int) Math.floor(position);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    public static double median(double[] values) {
        return percentile(values, 50);
    }

    /**
     * The t below which Student's t stays with probability 0.975, so that ±t holds 95 %.
     *
     * <p>With t = sqrt(n) tan(a), the density of a is cos(a)^(n - 1) up to a constant factor, which
     * cancels when its integral up to a is divided by the one up to a right angle.
     */
    public static double tQuantile(double degreesOfFreedom) {
        // Beyond 1000 degrees t differs from the normal quantile by less than 0.003.
        double n = Math.max(1, Math.min(1000, degreesOfFreedom));
        double step = Math.PI / 2 / INTERVALS;
        double total = 0;
        for (int i = 0; i < INTERVALS; i++) {
            total += slice(i, step, n);
        }
        double wanted = 0.95 * total;
        double sum = 0;
        int i = 0;
        for (double next = slice(0, step, n); sum + next < wanted; next = slice(i, step, n)) {
            sum += next;
            i++;
        }
        double angle = (i + (wanted - sum) / slice(i, step, n)) * step;
        return Math.sqrt(n) * Math.tan(angle);
    }

    /** Simpson's rule over one interval. */
    private static double slice(int i, double step, double n) {
        return step
                / 6
                * (density(i * step, n)
                        + 4 * density((i + 0.5) * step, n)
                        + density((i + 1) * step, n));
    }

    private static double density(double angle, double n) {
        return Math.pow(Math.max(0, Math.cos(angle)), n - 1);
    }
}
