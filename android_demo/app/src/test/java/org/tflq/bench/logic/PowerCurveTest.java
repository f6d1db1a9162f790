package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

public final class PowerCurveTest {
    @Test
    public void powerIsCurrentTimesVoltage() {
        CurrentCurve curve = CurrentCurve.of(new Batteries().samples(t -> 2000, 10));
        assertEquals(2000, curve.meanMilliwatts(2, 7), 0.01);
        assertEquals(Collections.emptyList(), curve.flags());
    }

    @Test
    public void aRisingPowerHasTheMeanOfItsMiddle() {
        CurrentCurve curve = CurrentCurve.of(new Batteries().samples(t -> 1000 + 100 * t, 10));
        assertEquals(1450, curve.meanMilliwatts(2, 7), 0.02);
    }

    @Test
    public void aSineOverWholePeriodsHasItsOwnMean() {
        CurrentCurve curve =
                CurrentCurve.of(
                        new Batteries().samples(t -> 1500 + 400 * Math.sin(Math.PI * t), 12));
        assertEquals(1500, curve.meanMilliwatts(1, 11), 0.05);
    }

    @Test
    public void anInvertedSignIsSeenAndPutRight() {
        CurrentCurve curve = CurrentCurve.of(new Batteries().signInverted().samples(t -> 2000, 10));
        assertEquals(2000, curve.meanMilliwatts(0, 10), 0.01);
        assertEquals(Collections.singletonList(Flags.CURRENT_SIGN_INVERTED), curve.flags());
    }

    @Test
    public void milliamperesAreSeenAndPutRight() {
        CurrentCurve curve =
                CurrentCurve.of(
                        new Batteries().inMilliamperes().signInverted().samples(t -> 2000, 9));
        assertEquals(2000, curve.meanMilliwatts(0, 9), 0.01);
        assertEquals(
                Arrays.asList(Flags.CURRENT_IN_MILLIAMPERES, Flags.CURRENT_SIGN_INVERTED),
                curve.flags());
    }

    @Test
    public void aWeakPhoneInMicroamperesIsNotTakenForMilliamperes() {
        // 100 mW at 4 V are 25 mA: little for a phone whose screen is on.
        CurrentCurve curve = CurrentCurve.of(new Batteries().samples(t -> 100, 9));
        assertEquals(100, curve.meanMilliwatts(0, 9), 0.01);
        assertTrue(curve.flags().isEmpty());
    }

    @Test
    public void aStrongPhoneInMilliamperesIsNotTakenForMicroamperes() {
        // 40 W at 4 V are 10 A, more than any phone draws.
        CurrentCurve curve =
                CurrentCurve.of(new Batteries().inMilliamperes().samples(t -> 40_000, 9));
        assertEquals(40_000, curve.meanMilliwatts(0, 9), 0.01);
    }

    @Test
    public void aStaleSensorShowsItsOwnPeriod() {
        List<PowerSample> samples = new Batteries().updating(1.5).samples(t -> 1000 + 10 * t, 30);
        CurrentCurve curve = CurrentCurve.of(samples);
        assertEquals(1.5, curve.period(), 1e-6);
        assertEquals(20, curve.fresh(0, 30));
        assertEquals(6, curve.fresh(3.1, 12.2));
    }

    @Test
    public void theHalfOfASecondThatIsReadTwiceCountsOnce() {
        CurrentCurve fast =
                CurrentCurve.of(
                        new Batteries().readEvery(0.05).updating(0.5).samples(t -> 1000 + t, 10));
        assertEquals(20, fast.fresh(0, 10));
        assertEquals(0.5, fast.period(), 1e-6);
    }

    @Test
    public void aSensorThatNeverChangesHasNoPeriod() {
        CurrentCurve curve = CurrentCurve.of(new Batteries().samples(t -> 2000, 10));
        assertTrue(Double.isNaN(curve.period()));
        assertEquals(0, curve.fresh(0, 10));
    }

    @Test
    public void thereIsNoCurveWithoutASensor() {
        assertNull(CurrentCurve.of(Collections.emptyList()));
        assertNull(CurrentCurve.of(new Batteries().samples(t -> 0, 10)));
        assertNull(CurrentCurve.of(new Batteries().counter(t -> 2000, 10, 100)));
        assertNull(ChargeCurve.of(new Batteries().samples(t -> 2000, 10)));
        assertNull(ChargeCurve.of(new Batteries().counter(t -> 0, 10, 100)));
        assertNotNull(ChargeCurve.of(new Batteries().counter(t -> 2000, 10, 100)));
    }

    @Test
    public void theChargeCounterGivesTheSamePower() {
        // 2000 mW at 4 V are 139 µAh a second.
        ChargeCurve curve = ChargeCurve.of(new Batteries().counter(t -> 2000, 60, 500));
        assertEquals(2000, curve.meanMilliwatts(0, 60), 20);
        assertEquals(3.6, curve.period(), 0.11);
        assertEquals(Collections.singletonList(Flags.CHARGE_COUNTER), curve.flags());
    }

    @Test
    public void betweenTwoStepsOfTheCounterNothingIsKnown() {
        ChargeCurve curve = ChargeCurve.of(new Batteries().counter(t -> 2000, 60, 5000));
        assertTrue(Double.isNaN(curve.meanMilliwatts(0, 30)));
        assertTrue(Double.isNaN(curve.meanMilliwatts(70, 80)));
    }

    @Test
    public void voltsInEveryUnit() {
        long[] voltages = {3850, 3_850_000, 4, 0, -1, 50, 8000};
        double[] volts = {3.85, 3.85, 4, Double.NaN, Double.NaN, Double.NaN, 8};
        for (int i = 0; i < volts.length; i++) {
            PowerSample sample =
                    new PowerSample(0, -1, voltages[i], 0, PowerSample.Supply.BATTERY, true);
            assertEquals(volts[i], sample.volts(), 1e-12);
        }
    }

    @Test
    public void samplesWithoutAVoltageAreLeftOut() {
        List<PowerSample> samples = new ArrayList<>(new Batteries().samples(t -> 2000, 10));
        samples.add(
                50,
                new PowerSample(
                        4_950_000_000L, -9_000_000, 0, 0, PowerSample.Supply.BATTERY, true));
        assertEquals(2000, CurrentCurve.of(samples).meanMilliwatts(0, 10), 0.01);
    }
}
