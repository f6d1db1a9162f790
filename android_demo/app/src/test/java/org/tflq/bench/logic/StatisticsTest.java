package org.tflq.bench.logic;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;

import org.junit.Test;

public final class StatisticsTest {
    private static final double[] VALUES = {9, 4, 7, 2, 5, 4, 4, 5};

    @Test
    public void meanAndDeviation() {
        assertEquals(5, Statistics.mean(VALUES), 0);
        // Squared distances: 16 1 4 9 0 1 1 0, together 32.
        assertEquals(Math.sqrt(32.0 / 7), Statistics.deviation(VALUES), 1e-15);
        assertEquals(0, Statistics.deviation(new double[] {3}), 0);
    }

    @Test
    public void percentilesAreLinearInBetween() {
        double[] values = {40, 10, 30, 20};
        assertEquals(10, Statistics.percentile(values, 0), 0);
        assertEquals(25, Statistics.percentile(values, 50), 0);
        assertEquals(37, Statistics.percentile(values, 90), 1e-12);
        assertEquals(39.7, Statistics.percentile(values, 99), 1e-12);
        assertEquals(40, Statistics.percentile(values, 100), 0);
        assertEquals(7, Statistics.percentile(new double[] {7}, 90), 0);
    }

    @Test
    public void percentilesLeaveTheirInputAlone() {
        double[] values = {3, 1, 2};
        Statistics.median(values);
        assertArrayEquals(new double[] {3, 1, 2}, values, 0);
    }

    @Test
    public void percentilesOfAHundred() {
        double[] values = new double[101];
        for (int i = 0; i < values.length; i++) {
            values[i] = 100 - i;
        }
        for (double percent : new double[] {1, 50, 90, 99}) {
            assertEquals(percent, Statistics.percentile(values, percent), 1e-12);
        }
    }

    /** Two degrees of freedom have a closed form; the others are of printed tables. */
    @Test
    public void tQuantiles() {
        assertEquals(Math.tan(0.475 * Math.PI), Statistics.tQuantile(1), 1e-3);
        double p = 0.975;
        double two = (2 * p - 1) * Math.sqrt(2 / (4 * p * (1 - p)));
        assertEquals(two, Statistics.tQuantile(2), 1e-4);
        assertEquals(2.776, Statistics.tQuantile(4), 5e-4);
        assertEquals(2.571, Statistics.tQuantile(5), 5e-4);
        assertEquals(2.228, Statistics.tQuantile(10), 5e-4);
        assertEquals(2.042, Statistics.tQuantile(30), 5e-4);
        assertEquals(1.984, Statistics.tQuantile(100), 5e-4);
        assertEquals(1.962, Statistics.tQuantile(1e9), 5e-4);
    }

    @Test
    public void tQuantilesFallWithTheirDegrees() {
        double last = Statistics.tQuantile(0.5);
        for (double degrees = 1.5; degrees < 50; degrees += 0.5) {
            double next = Statistics.tQuantile(degrees);
            assertEquals(true, next < last);
            last = next;
        }
    }

    @Test
    public void latenciesAreThinnedEvenly() {
        Latencies latencies = new Latencies();
        for (int i = 0; i < 12_001; i++) {
            latencies.add(1_000_000L * i);
        }
        assertEquals(12_001, latencies.count());
        assertEquals(12_001, latencies.thinned(20_000).size());
        assertEquals(4001, latencies.thinned(5000).size());
        assertEquals(3.0, latencies.thinned(5000).get(1));
        assertEquals(12_000.0, latencies.milliseconds()[12_000], 0);
    }

    @Test
    public void aLargeResultHoldsFewerLatencies() {
        assertEquals(5000, Latencies.mostOf(1));
        assertEquals(5000, Latencies.mostOf(120));
        assertEquals(600, Latencies.mostOf(1000));
        assertEquals(1, Latencies.mostOf(1_000_000));
    }
}
