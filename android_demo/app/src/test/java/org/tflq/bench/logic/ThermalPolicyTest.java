package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

import java.util.Arrays;
import java.util.Collections;

public final class ThermalPolicyTest {
    private static double[] ramp(int count, double first, double last) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = first + (last - first) * i / (count - 1);
        }
        return values;
    }

    @Test
    public void throttlingBeginsWhereTheSystemSlowsWhatRuns() {
        assertFalse(ThermalPolicy.throttled(Collections.emptyList()));
        assertFalse(ThermalPolicy.throttled(Arrays.asList(0, 1, 1)));
        assertTrue(ThermalPolicy.throttled(Arrays.asList(0, 2, 1)));
        assertFalse(ThermalPolicy.throttled(Arrays.asList(null, null)));
    }

    @Test
    public void latenciesThatGrowFromRoundToRoundAreThrottling() {
        assertTrue(
                ThermalPolicy.slowed(
                        Arrays.asList(ramp(9, 6, 6), ramp(9, 6.3, 6.3), ramp(9, 6.7, 6.7))));
        assertFalse(
                ThermalPolicy.slowed(
                        Arrays.asList(ramp(9, 6, 6), ramp(9, 7, 7), ramp(9, 6.5, 6.5))));
        assertFalse(ThermalPolicy.slowed(Arrays.asList(ramp(9, 6.7, 6.7), ramp(9, 6, 6))));
    }

    @Test
    public void latenciesThatGrowWithinARoundAreThrottling() {
        assertTrue(ThermalPolicy.slowed(Collections.singletonList(ramp(500, 6, 7))));
        assertFalse(ThermalPolicy.slowed(Collections.singletonList(ramp(500, 6, 6.5))));
        assertFalse(ThermalPolicy.slowed(Collections.singletonList(ramp(500, 7, 6))));
    }

    @Test
    public void aFewLatenciesShowNoTrend() {
        assertFalse(ThermalPolicy.slowed(Collections.singletonList(ramp(49, 6, 9))));
        assertTrue(ThermalPolicy.slowed(Collections.singletonList(ramp(50, 6, 9))));
    }

    @Test
    public void aSingleSlowInferenceIsNoTrend() {
        double[] round = ramp(500, 6, 6);
        round[499] = 60;
        assertFalse(ThermalPolicy.slowed(Collections.singletonList(round)));
    }

    @Test
    public void restsForItsTimeAndLongerWhileHotter() {
        assertTrue(ThermalPolicy.rests(0, 10, 0, 0));
        assertTrue(ThermalPolicy.rests(9.9, 10, null, null));
        assertFalse(ThermalPolicy.rests(10, 10, null, null));
        assertFalse(ThermalPolicy.rests(10, 10, 1, 1));
        assertTrue(ThermalPolicy.rests(10, 10, 0, 1));
        assertTrue(ThermalPolicy.rests(59, 10, 0, 3));
        assertFalse(ThermalPolicy.rests(60, 10, 0, 3));
        assertFalse(ThermalPolicy.rests(0, 0, 0, 3));
    }

    @Test
    public void everyRunComesOnceBeforeAnyComesTwice() {
        StringBuilder order = new StringBuilder();
        for (Schedule.Step step : Schedule.steps(3, 2)) {
            order.append(step.round).append(step.run).append(' ');
        }
        assertEquals("00 01 02 10 11 12 ", order.toString());
    }

    @Test
    public void aRoundNeedsItsTimeAndItsInferences() {
        assertTrue(Schedule.goesOn(9.9, 10, 1000, 30));
        assertTrue(Schedule.goesOn(11, 10, 29, 30));
        assertFalse(Schedule.goesOn(10, 10, 30, 30));
        assertTrue(Schedule.goesOn(0, 0, 0, 1));
    }
}
