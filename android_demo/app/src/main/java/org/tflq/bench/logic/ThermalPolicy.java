package org.tflq.bench.logic;

import java.util.List;

/** When a phone has become too hot for its figures to be its own, and how long it rests. */
public final class ThermalPolicy {
    /** PowerManager.THERMAL_STATUS_MODERATE: from here on the system slows what runs. */
    static final int MODERATE = 2;

    private static final double SLOWER = 1.10;
    private static final int LEAST_A_PART = 10;
    private static final int LONGEST_REST = 6;

    private ThermalPolicy() {}

    /** Whether the system said that it throttles. */
    public static boolean throttled(List<Integer> statuses) {
        for (Integer status : statuses) {
            if (status != null && status >= MODERATE) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether latencies grew as they do when a phone throttles, whatever its status says: by more
     * than 10 %, in the medians of first and last round, or of first and last fifth of a round.
     */
    public static boolean slowed(List<double[]> rounds) {
        for (double[] round : rounds) {
            int part = round.length / 5;
            if (part >= LEAST_A_PART && grew(part(round, 0, part), last(round, part))) {
                return true;
            }
        }
        return rounds.size() > 1 && grew(rounds.get(0), rounds.get(rounds.size() - 1));
    }

    /**
     * Whether to rest on: for the time asked for, and up to six times that while the phone is
     * hotter than it was at the start.
     *
     * @param start thermal status at the start of the job, null where unknown
     * @param now thermal status now, null where unknown
     */
    public static boolean rests(double waited, double coolDownSeconds, Integer start, Integer now) {
        if (waited < coolDownSeconds) {
            return true;
        }
        boolean hotter = start != null && now != null && now > start;
        return hotter && waited < LONGEST_REST * coolDownSeconds;
    }

    private static boolean grew(double[] first, double[] last) {
        return Statistics.median(last) > SLOWER * Statistics.median(first);
    }

    private static double[] last(double[] values, int count) {
        return part(values, values.length - count, count);
    }

    private static double[] part(double[] values, int start, int count) {
        double[] part = new double[count];
        System.arraycopy(values, start, part, 0, count);
        return part;
    }
}
