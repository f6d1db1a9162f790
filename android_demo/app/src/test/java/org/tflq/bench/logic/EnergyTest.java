package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

public final class EnergyTest {
    private static final Window BEFORE = new Window(0, 30, 0);
    private static final Window AFTER = new Window(60, 90, 0);
    private static final List<Window> THREE =
            Arrays.asList(
                    new Window(30, 40, 1000), new Window(40, 50, 1000), new Window(50, 60, 1000));

    private static Energy.Outcome measure(PowerCurve curve, List<Window> rounds) {
        return Energy.measure(curve, new IdleBaseline(curve, BEFORE, AFTER), rounds);
    }

    private static PowerCurve curve(DoubleUnaryOperator milliwatts) {
        return CurrentCurve.of(new Batteries().samples(milliwatts, 90));
    }

    @Test
    public void anInferenceCostsPowerAboveIdleTimesItsTime() {
        Energy energy = measure(curve(Batteries.step(400, 2400)), THREE).energy;
        // 2000 mW over 10 ms.
        assertEquals(20, energy.millijoules, 0.2);
        assertEquals(2400, energy.activeMilliwatts, 5);
        assertEquals(400, energy.idleMilliwatts, 5);
        assertEquals(100, energy.sampleMilliseconds, 1e-6);
        assertEquals(297, energy.samples, 3);
        assertTrue(energy.low <= energy.millijoules && energy.millijoules <= energy.high);
        assertTrue(energy.high - energy.low < 1);
        assertTrue(energy.flags.isEmpty());
    }

    @Test
    public void roundsThatDifferWidenTheIntervalAsTPrescribes() {
        DoubleUnaryOperator active = t -> t < 40 ? 2000 : t < 50 ? 2400 : 2800;
        PowerCurve curve =
                curve(
                        t ->
                                (t >= 30 && t < 60 ? active.applyAsDouble(t) : 400)
                                        + Batteries.noise(t));
        Energy energy = measure(curve, THREE).energy;
        // 16, 20 and 24 mJ: deviation 4, so 4.303 * 4 / sqrt(3) either side.
        assertEquals(20, energy.millijoules, 0.2);
        assertEquals(4.303 * 4 / Math.sqrt(3), energy.high - energy.millijoules, 0.2);
        assertEquals(energy.high - energy.millijoules, energy.millijoules - energy.low, 1e-9);
    }

    @Test
    public void aSingleRoundIsJudgedByItsParts() {
        List<Window> one = Collections.singletonList(new Window(30, 60, 3000));
        Energy energy = measure(curve(Batteries.step(400, 2400)), one).energy;
        assertEquals(20, energy.millijoules, 0.1);
        DoubleUnaryOperator rising = t -> t >= 30 && t < 60 ? 2400 + 40 * (t - 45) : 400;
        Energy wide = measure(curve(t -> rising.applyAsDouble(t) + Batteries.noise(t)), one).energy;
        assertEquals(20, wide.millijoules, 0.1);
        // Parts 6 s apart: 240 mW or 2.4 mJ from one to the next, deviation 2.4 * sqrt(2.5).
        double margin = 2.776 * 2.4 * Math.sqrt(2.5) / Math.sqrt(5);
        assertEquals(margin, wide.high - wide.millijoules, 0.1);
    }

    @Test
    public void aDriftingIdleIsSubtractedAsALine() {
        // Idle rises by 2 mW a second all along; active is 1000 mW above it.
        PowerCurve curve =
                curve(t -> 800 + 2 * t + (t >= 30 && t < 60 ? 1000 : 0) + Batteries.noise(t));
        Energy energy = measure(curve, THREE).energy;
        assertEquals(10, energy.millijoules, 0.1);
        assertEquals(890, energy.idleMilliwatts, 5);
        assertFalse(energy.flags.contains(Flags.IDLE_DRIFTED));
    }

    @Test
    public void anIdleThatChangedMuchIsFlagged() {
        PowerCurve curve = curve(t -> (t < 30 ? 400 : t < 60 ? 2400 : 700) + Batteries.noise(t));
        assertTrue(measure(curve, THREE).energy.flags.contains(Flags.IDLE_DRIFTED));
    }

    @Test
    public void aNoisyIdleWidensTheInterval() {
        DoubleUnaryOperator noisy =
                t -> (t >= 30 && t < 60 ? 2400 : 400 + 200 * Math.sin(t / 3)) + Batteries.noise(t);
        Energy calm = measure(curve(Batteries.step(400, 2400)), THREE).energy;
        Energy wide = measure(curve(noisy), THREE).energy;
        assertTrue(wide.high - wide.low > calm.high - calm.low + 0.2);
    }

    @Test
    public void quirksOfVendorsDoNotChangeTheEnergy() {
        for (Batteries battery :
                Arrays.asList(
                        new Batteries().signInverted(),
                        new Batteries().inMilliamperes(),
                        new Batteries().readEvery(0.07).updating(0.07))) {
            PowerCurve curve = CurrentCurve.of(battery.samples(Batteries.step(400, 2400), 90));
            assertEquals(20, measure(curve, THREE).energy.millijoules, 0.3);
        }
    }

    @Test
    public void aStaleSensorIsUnbiasedAsItsFirstUpdateIsLeftOut() {
        DoubleUnaryOperator power = t -> (t >= 30 && t < 60 ? 2400 : 400) + t / 100;
        PowerCurve curve = CurrentCurve.of(new Batteries().updating(2).samples(power, 90));
        Energy energy = measure(curve, THREE).energy;
        assertEquals(20, energy.millijoules, 0.3);
        assertEquals(2000, energy.sampleMilliseconds, 1e-3);
    }

    @Test
    public void tooFewNewValuesAreRefused() {
        DoubleUnaryOperator power = t -> (t >= 30 && t < 60 ? 2400 : 400) + t / 100;
        PowerCurve curve = CurrentCurve.of(new Batteries().updating(5).samples(power, 90));
        Energy.Outcome outcome = measure(curve, THREE);
        assertNull(outcome.energy);
        assertEquals(Flags.TOO_FEW_SAMPLES, outcome.refusal);
        assertEquals(
                Flags.TOO_FEW_SAMPLES,
                measure(curve(t -> t >= 30 && t < 60 ? 2400 : 400), THREE).refusal);
    }

    @Test
    public void lessThanIdleIsRefused() {
        Energy.Outcome outcome = measure(curve(Batteries.step(2400, 400)), THREE);
        assertEquals(Flags.BELOW_IDLE, outcome.refusal);
    }

    @Test
    public void theChargeCounterMeasuresToo() {
        PowerCurve curve =
                ChargeCurve.of(new Batteries().counter(Batteries.step(400, 2400), 90, 50));
        Energy energy = measure(curve, THREE).energy;
        assertNotNull(energy);
        assertEquals(20, energy.millijoules, 1);
        assertEquals(Collections.singletonList(Flags.CHARGE_COUNTER), energy.flags);
    }

    @Test
    public void aCoarseChargeCounterIsRefused() {
        PowerCurve curve =
                ChargeCurve.of(new Batteries().counter(Batteries.step(400, 2400), 90, 1000));
        assertEquals(Flags.TOO_FEW_SAMPLES, measure(curve, THREE).refusal);
    }

    @Test
    public void percentOfTheBatteryAnHour() {
        // 4000 mAh at 4 V are 57.6 kJ; 20 mJ thirty times a second are 2160 J an hour.
        double battery = Energy.batteryMillijoules(2_000_000, 50, 4);
        assertEquals(57.6e6, battery, 1e-3);
        assertEquals(3.75, Energy.percentPerHour(20, 30, battery), 1e-9);
    }

    @Test
    public void anUnlikelyBatteryIsUnknown() {
        assertTrue(Double.isNaN(Energy.batteryMillijoules(0, 50, 4)));
        assertTrue(Double.isNaN(Energy.batteryMillijoules(-5, 50, 4)));
        assertTrue(Double.isNaN(Energy.batteryMillijoules(2000, 50, 4)));
        assertTrue(Double.isNaN(Energy.batteryMillijoules(2_000_000, 4, 4)));
        assertTrue(Double.isNaN(Energy.batteryMillijoules(2_000_000, Double.NaN, 4)));
        assertTrue(Double.isNaN(Energy.batteryMillijoules(2_000_000_000, 50, 4)));
    }

    @Test
    public void windowsSettleAndSplit() {
        Window window = new Window(10, 20, 100);
        assertEquals(12, window.settled(2).from, 0);
        assertEquals(80, window.settled(2).inferences, 1e-9);
        assertEquals(15, window.settled(9).from, 0);
        assertEquals(10, window.settled(Double.NaN).from, 0);
        assertEquals(window.secondsEach(), window.split(5).get(3).secondsEach(), 1e-12);
        assertEquals(16, window.split(5).get(3).from, 1e-12);
    }
}
