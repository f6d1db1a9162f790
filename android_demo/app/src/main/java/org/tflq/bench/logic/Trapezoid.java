package org.tflq.bench.logic;

/** Integrals of a quantity known at irregular times, linear in between. */
public final class Trapezoid {
    private Trapezoid() {}

    /**
     * The integral from one time to another. Before the first and after the last sample the
     * quantity is taken to stay as it is there.
     *
     * @param times ascending, in seconds
     * @param values one a time
     */
    public static double integrate(double[] times, double[] values, double from, double to) {
        double sum = 0;
        double time = from;
        double value = at(times, values, from);
        for (int i = 0; i < times.length; i++) {
            if (times[i] > from && times[i] < to) {
                sum += (times[i] - time) * (value + values[i]) / 2;
                time = times[i];
                value = values[i];
            }
        }
        return sum + (to - time) * (value + at(times, values, to)) / 2;
    }

    /** The quantity at a time. */
    static double at(double[] times, double[] values, double time) {
        int last = times.length - 1;
        if (time <= times[0]) {
            return values[0];
        }
        if (time >= times[last]) {
            return values[last];
        }
        int above = 1;
        while (times[above] < time) {
            above++;
        }
        double share = (time - times[above - 1]) / (times[above] - times[above - 1]);
        return values[above - 1] + share * (values[above] - values[above - 1]);
    }
}
