package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.List;

/** Energy of an inference above idle, with the interval that holds it with 95 % confidence. */
public final class Energy {
    private static final int LEAST_SAMPLES = 10;
    private static final int PARTS_OF_A_ROUND = 5;
    private static final double SECONDS_AN_HOUR = 3600;

    public final double millijoules;
    public final double low;
    public final double high;
    public final double activeMilliwatts;
    public final double idleMilliwatts;
    public final int samples;

    /** Milliseconds between two new values of the sensor. */
    public final double sampleMilliseconds;

    public final List<String> flags;

    private Energy(
            double[] interval,
            double active,
            double idle,
            int samples,
            double sampleMilliseconds,
            List<String> flags) {
        this.low = interval[0];
        this.millijoules = interval[1];
        this.high = interval[2];
        this.activeMilliwatts = active;
        this.idleMilliwatts = idle;
        this.samples = samples;
        this.sampleMilliseconds = sampleMilliseconds;
        this.flags = flags;
    }

    /** An energy, or why there is none. */
    public static final class Outcome {
        /** Null when refused. */
        public final Energy energy;

        /** The flag that says why it was refused, or null. */
        public final String refusal;

        private Outcome(Energy energy, String refusal) {
            this.energy = energy;
            this.refusal = refusal;
        }

        static Outcome refused(String flag) {
            return new Outcome(null, flag);
        }
    }

    /**
     * The energy of a run.
     *
     * @param rounds one window a round, with its inferences
     */
    public static Outcome measure(PowerCurve curve, IdleBaseline idle, List<Window> rounds) {
        List<Window> windows = new ArrayList<>();
        int samples = 0;
        for (Window round : rounds) {
            Window settled = round.settled(curve.period());
            samples += curve.fresh(settled.from, settled.to);
            // A single round has no other to be compared with, so its parts are.
            windows.addAll(settled.split(rounds.size() > 1 ? 1 : PARTS_OF_A_ROUND));
        }
        if (samples < LEAST_SAMPLES || !idle.isKnown()) {
            return Outcome.refused(Flags.TOO_FEW_SAMPLES);
        }
        Sums sums = new Sums(curve, idle, windows);
        if (Double.isNaN(sums.mean)) {
            return Outcome.refused(Flags.TOO_FEW_SAMPLES);
        }
        if (sums.mean <= 0) {
            return Outcome.refused(Flags.BELOW_IDLE);
        }
        List<String> flags = new ArrayList<>(curve.flags());
        if (idle.drifted()) {
            flags.add(Flags.IDLE_DRIFTED);
        }
        double[] interval = {sums.mean - sums.margin, sums.mean, sums.mean + sums.margin};
        return new Outcome(
                new Energy(interval, sums.active, sums.idle, samples, 1e3 * curve.period(), flags),
                null);
    }

    /**
     * Percent of the battery in an hour of inferences at a frame rate.
     *
     * @param batteryMillijoules what the full battery holds
     */
    public static double percentPerHour(
            double millijoules, double frameRate, double batteryMillijoules) {
        return 100 * millijoules * frameRate * SECONDS_AN_HOUR / batteryMillijoules;
    }

    /**
     * What the full battery holds, in mJ, from what is left in it.
     *
     * @return NaN where the device does not say enough to tell
     */
    public static double batteryMillijoules(
            long chargeMicroampereHours, double percent, double volts) {
        double full = chargeMicroampereHours / (percent / 100);
        // Below 5 % the percentage is too coarse; and phones hold 0.5 to 50 Ah.
        if (chargeMicroampereHours <= 0 || !(percent >= 5) || full < 5e5 || full > 5e7) {
            return Double.NaN;
        }
        return full * 3.6 * volts;
    }

    /** Means over the windows of a run. */
    private static final class Sums {
        final double mean;
        final double margin;
        final double active;
        final double idle;

        Sums(PowerCurve curve, IdleBaseline baseline, List<Window> windows) {
            int n = windows.size();
            double[] energies = new double[n];
            double[] actives = new double[n];
            double[] idles = new double[n];
            double[] seconds = new double[n];
            for (int i = 0; i < n; i++) {
                Window window = windows.get(i);
                actives[i] = curve.meanMilliwatts(window.from, window.to);
                idles[i] = baseline.at(window.middle());
                seconds[i] = window.secondsEach();
                energies[i] = (actives[i] - idles[i]) * seconds[i];
            }
            mean = Statistics.mean(energies);
            active = Statistics.mean(actives);
            idle = Statistics.mean(idles);
            margin = margin(energies, baseline.error * Statistics.mean(seconds));
        }

        /** Half of the 95 % interval: both errors, with the degrees of freedom of Welch. */
        private static double margin(double[] energies, double idleError) {
            int n = energies.length;
            double own = Math.pow(Statistics.deviation(energies), 2) / n;
            double others = idleError * idleError;
            double variance = own + others;
            if (variance == 0) {
                return 0;
            }
            double freedom =
                    variance
                            * variance
                            / (own * own / (n - 1) + others * others / (IdleBaseline.BLOCKS - 1));
            return Statistics.tQuantile(freedom) * Math.sqrt(variance);
        }
    }
}
