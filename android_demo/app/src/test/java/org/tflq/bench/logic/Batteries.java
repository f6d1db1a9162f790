package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Batteries whose power over time is a known function, as the sensors would show them. */
final class Batteries {
    static final double VOLTS = 4;

    private double every = 0.1;
    private double update = 0.1;
    private double unit = 1e6;
    private int sign = -1;

    /** A sensor that has a new value only so often, in seconds. */
    Batteries updating(double seconds) {
        update = seconds;
        return this;
    }

    /** A sensor that is read so often, in seconds. */
    Batteries readEvery(double seconds) {
        every = seconds;
        return this;
    }

    Batteries inMilliamperes() {
        unit = 1e3;
        return this;
    }

    Batteries signInverted() {
        sign = 1;
        return this;
    }

    /** Samples from second 0 on. */
    List<PowerSample> samples(DoubleUnaryOperator milliwatts, double seconds) {
        List<PowerSample> samples = new ArrayList<>();
        for (int i = 0; i * every <= seconds + 1e-9; i++) {
            double time = i * every;
            double shown = Math.floor(time / update + 1e-9) * update;
            double amperes = milliwatts.applyAsDouble(shown) / 1e3 / VOLTS;
            samples.add(sample(time, Math.round(sign * amperes * unit), PowerSample.NONE));
        }
        return samples;
    }

    /** A phone without a current sensor, whose counter moves in steps of so many µAh. */
    List<PowerSample> counter(DoubleUnaryOperator milliwatts, double seconds, long step) {
        List<PowerSample> samples = new ArrayList<>();
        double charge = 2e6;
        for (int i = 0; i * every <= seconds + 1e-9; i++) {
            long shown = (long) Math.ceil(charge / step) * step;
            samples.add(sample(i * every, PowerSample.NONE, shown));
            charge -= milliwatts.applyAsDouble(i * every) * every / VOLTS / 3.6;
        }
        return samples;
    }

    static PowerSample sample(double seconds, long current, long charge) {
        return new PowerSample(
                Math.round(1e9 * seconds),
                current,
                Math.round(1e3 * VOLTS),
                charge,
                PowerSample.Supply.BATTERY,
                true);
    }

    /** Idle up to second 30 and from 60 on, active in between; a little noise makes values new. */
    static DoubleUnaryOperator step(double idle, double active) {
        return time -> (time >= 30 && time < 60 ? active : idle) + noise(time);
    }

    /** Two milliamperes up and down, whose mean over whole seconds is zero. */
    static double noise(double time) {
        return Math.round(time * 10) % 2 == 0 ? 8 : -8;
    }
}
