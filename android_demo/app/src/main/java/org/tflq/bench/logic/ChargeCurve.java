package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Power from the battery's charge counter, where there is no current sensor.
 *
 * <p>The counter moves in steps, so power is known between two steps only: charge times voltage,
 * over the time from the first step in a window to the last.
 */
public final class ChargeCurve implements PowerCurve {
    /** Millicoulombs; times volts they are millijoules. */
    private static final double PER_MICROAMPERE_HOUR = 3.6;

    private final List<Double> changes = new ArrayList<>();
    private final List<PowerSample> steps = new ArrayList<>();

    private ChargeCurve(List<PowerSample> samples) {
        for (int i = 1; i < samples.size(); i++) {
            if (samples.get(i).charge != samples.get(i - 1).charge) {
                steps.add(samples.get(i));
                changes.add(samples.get(i).seconds());
            }
        }
    }

    /** The curve, or null where there is no counter or it does not move. */
    public static ChargeCurve of(List<PowerSample> samples) {
        List<PowerSample> usable = new ArrayList<>();
        for (PowerSample sample : samples) {
            if (sample.charge != PowerSample.NONE && !Double.isNaN(sample.volts())) {
                usable.add(sample);
            }
        }
        ChargeCurve curve = new ChargeCurve(usable);
        return curve.steps.isEmpty() ? null : curve;
    }

    @Override
    public double meanMilliwatts(double from, double to) {
        PowerSample first = null;
        PowerSample last = null;
        for (PowerSample step : steps) {
            if (step.seconds() >= from && step.seconds() <= to) {
                first = first == null ? step : first;
                last = step;
            }
        }
        if (first == last) {
            return Double.NaN;
        }
        double volts = (first.volts() + last.volts()) / 2;
        double millijoules = (first.charge - last.charge) * PER_MICROAMPERE_HOUR * volts;
        return millijoules / (last.seconds() - first.seconds());
    }

    @Override
    public int fresh(double from, double to) {
        return CurrentCurve.count(changes, from, to);
    }

    @Override
    public double period() {
        return CurrentCurve.period(changes);
    }

    @Override
    public List<String> flags() {
        return Collections.singletonList(Flags.CHARGE_COUNTER);
    }
}
