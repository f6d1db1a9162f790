package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Turns what the battery said during a job into the energies of its runs, or into refusals. */
final class EnergyAccount {
    private final List<PowerSample> samples;
    private final Set<String> flags = new LinkedHashSet<>();

    EnergyAccount(List<PowerSample> samples) {
        this.samples = samples;
    }

    /** Why energies were refused, if any were. */
    Set<String> flags() {
        return flags;
    }

    /** Fills in the energies of records. */
    void fill(
            List<RunRecord> records,
            Window before,
            Window after,
            Job.EnergyPlan plan,
            double percent) {
        PowerCurve curve = supplied() ? null : curve();
        if (curve == null) {
            return;
        }
        String screen = screen();
        if (screen == null) {
            return;
        }
        IdleBaseline idle = new IdleBaseline(curve, before, after);
        double battery = batteryMillijoules(percent);
        for (RunRecord record : records) {
            if (record.error == null) {
                fill(record, Energy.measure(curve, idle, record.windows));
                if (record.energy != null) {
                    record.energy.flags.add(screen);
                    record.percentPerHour = percentPerHour(record, plan.frameRate, battery);
                }
            }
        }
    }

    private void fill(RunRecord record, Energy.Outcome outcome) {
        record.energy = outcome.energy;
        if (outcome.refusal != null) {
            flags.add(outcome.refusal);
        }
    }

    /** On a cable the battery's current is the charger's. */
    private boolean supplied() {
        for (PowerSample sample : samples) {
            if (sample.supply != PowerSample.Supply.BATTERY) {
                boolean usb = sample.supply == PowerSample.Supply.USB;
                flags.add(usb ? Flags.CHARGING_OVER_USB : Flags.CHARGING);
            }
        }
        return !flags.isEmpty();
    }

    private PowerCurve curve() {
        PowerCurve current = CurrentCurve.of(samples);
        PowerCurve curve = current != null ? current : ChargeCurve.of(samples);
        if (curve == null) {
            flags.add(Flags.NO_CURRENT_SENSOR);
        }
        return curve;
    }

    /** The screen's flag, or null when it changed: then idle and active are not of one phone. */
    private String screen() {
        boolean on = false;
        boolean off = false;
        for (PowerSample sample : samples) {
            on |= sample.screenOn;
            off |= !sample.screenOn;
        }
        if (on && off) {
            flags.add(Flags.SCREEN_OFF);
            return null;
        }
        return on ? Flags.SCREEN_ON : Flags.SCREEN_OFF;
    }

    private double batteryMillijoules(double percent) {
        List<Double> charges = new ArrayList<>();
        double volts = 0;
        for (PowerSample sample : samples) {
            if (sample.charge != PowerSample.NONE && !Double.isNaN(sample.volts())) {
                charges.add((double) sample.charge);
                volts += sample.volts();
            }
        }
        if (charges.isEmpty()) {
            return Double.NaN;
        }
        long charge = charges.get(charges.size() / 2).longValue();
        return Energy.batteryMillijoules(charge, percent, volts / charges.size());
    }

    /** Null where the battery is unknown, or the phone is too slow for the frame rate. */
    private static Double percentPerHour(RunRecord record, double frameRate, double battery) {
        double slowest = 0;
        for (double[] round : record.latencies()) {
            slowest = Math.max(slowest, Statistics.median(round));
        }
        if (Double.isNaN(battery) || slowest * frameRate > 1000) {
            return null;
        }
        return Energy.percentPerHour(record.energy.millijoules, frameRate, battery);
    }
}
