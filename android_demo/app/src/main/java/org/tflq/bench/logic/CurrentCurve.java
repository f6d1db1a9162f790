package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.List;

/**
 * Power as current times voltage, from the battery's current sensor, with what vendors do
 * differently put right: the sign, the unit, and values that stay the same between updates.
 */
public final class CurrentCurve implements PowerCurve {
    /**
     * A phone that computes with its screen on draws more than 20 mA. A reading whose larger values
     * stay below 20,000 is thus not in microamperes.
     */
    private static final double LEAST_MICROAMPERES = 20_000;

    private final double[] times;
    private final double[] milliwatts;
    private final List<Double> changes = new ArrayList<>();
    private final List<String> flags = new ArrayList<>();

    private CurrentCurve(List<PowerSample> samples) {
        double[] currents = new double[samples.size()];
        double[] magnitudes = new double[samples.size()];
        for (int i = 0; i < currents.length; i++) {
            currents[i] = samples.get(i).current;
            magnitudes[i] = Math.abs(currents[i]);
        }
        double amperes = 1e-6;
        if (Statistics.percentile(magnitudes, 90) < LEAST_MICROAMPERES) {
            amperes = 1e-3;
            flags.add(Flags.CURRENT_IN_MILLIAMPERES);
        }
        double drawn = -1;
        // Only a phone on its battery is measured, so what flows must flow out.
        if (Statistics.median(currents) > 0) {
            drawn = 1;
            flags.add(Flags.CURRENT_SIGN_INVERTED);
        }
        times = new double[currents.length];
        milliwatts = new double[currents.length];
        for (int i = 0; i < currents.length; i++) {
            PowerSample sample = samples.get(i);
            times[i] = sample.seconds();
            milliwatts[i] = drawn * currents[i] * amperes * sample.volts() * 1e3;
            if (i > 0 && currents[i] != currents[i - 1]) {
                changes.add(times[i]);
            }
        }
    }

    /** The curve of a phone on its battery, or null where there is no sensor or it says nothing. */
    public static CurrentCurve of(List<PowerSample> samples) {
        List<PowerSample> usable = new ArrayList<>();
        boolean flows = false;
        for (PowerSample sample : samples) {
            if (sample.current != PowerSample.NONE && !Double.isNaN(sample.volts())) {
                usable.add(sample);
                flows |= sample.current != 0;
            }
        }
        return flows && usable.size() > 1 ? new CurrentCurve(usable) : null;
    }

    @Override
    public double meanMilliwatts(double from, double to) {
        return Trapezoid.integrate(times, milliwatts, from, to) / (to - from);
    }

    @Override
    public int fresh(double from, double to) {
        return count(changes, from, to);
    }

    @Override
    public double period() {
        return period(changes);
    }

    @Override
    public List<String> flags() {
        return flags;
    }

    static int count(List<Double> changes, double from, double to) {
        int count = 0;
        for (double time : changes) {
            count += time >= from && time <= to ? 1 : 0;
        }
        return count;
    }

    static double period(List<Double> changes) {
        if (changes.size() < 2) {
            return Double.NaN;
        }
        double[] gaps = new double[changes.size() - 1];
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = changes.get(i + 1) - changes.get(i);
        }
        return Statistics.median(gaps);
    }
}
