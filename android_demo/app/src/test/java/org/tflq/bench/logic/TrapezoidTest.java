package org.tflq.bench.logic;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;

public final class TrapezoidTest {
    private static double integrate(DoubleUnaryOperator f, double[] times, double from, double to) {
        double[] values = new double[times.length];
        for (int i = 0; i < times.length; i++) {
            values[i] = f.applyAsDouble(times[i]);
        }
        return Trapezoid.integrate(times, values, from, to);
    }

    private static double[] even(int count, double end) {
        double[] times = new double[count];
        for (int i = 0; i < count; i++) {
            times[i] = end * i / (count - 1);
        }
        return times;
    }

    private static double[] irregular(int count, double end) {
        Random random = new Random(1);
        double[] times = even(count, end);
        for (int i = 1; i < count - 1; i++) {
            times[i] += (random.nextDouble() - 0.5) * end / count;
        }
        return times;
    }

    @Test
    public void aConstantIsItsValueTimesTheTime() {
        for (double[] times : new double[][] {even(11, 10), irregular(37, 10), {3}, {2, 9}}) {
            assertEquals(70, integrate(t -> 10, times, 1, 8), 1e-12);
        }
    }

    @Test
    public void aLineIsExactHoweverIrregularTheSamples() {
        // The integral of 3 + 2 t from a to b.
        double exact = 3 * (8.7 - 1.3) + 8.7 * 8.7 - 1.3 * 1.3;
        assertEquals(exact, integrate(t -> 3 + 2 * t, irregular(23, 10), 1.3, 8.7), 1e-12);
        assertEquals(exact, integrate(t -> 3 + 2 * t, new double[] {0, 10}, 1.3, 8.7), 1e-12);
    }

    @Test
    public void aSineConvergesWithTheSquareOfTheStep() {
        double exact = 1 - Math.cos(2);
        double coarse = integrate(Math::sin, even(21, 2), 0, 2) - exact;
        double fine = integrate(Math::sin, even(41, 2), 0, 2) - exact;
        assertEquals(0, coarse, 2e-3);
        assertEquals(4, coarse / fine, 0.01);
    }

    @Test
    public void aSineOfIrregularSamples() {
        double exact = 100 * 10 + 50 / Math.PI * (1 - Math.cos(10 * Math.PI));
        double found = integrate(t -> 100 + 50 * Math.sin(Math.PI * t), irregular(400, 10), 0, 10);
        assertEquals(exact, found, 0.1);
    }

    @Test
    public void partsAddUpToTheWhole() {
        double[] times = irregular(31, 10);
        DoubleUnaryOperator f = t -> Math.exp(-t) + t * t;
        double parts = integrate(f, times, 0.5, 4.2) + integrate(f, times, 4.2, 9.9);
        assertEquals(integrate(f, times, 0.5, 9.9), parts, 1e-10);
    }

    @Test
    public void outsideTheSamplesTheEndsGoOn() {
        assertEquals(
                2 * 5 + 1 * 7 + 6, integrate(t -> 5 + 2 * t, new double[] {0, 1}, -2, 2), 1e-12);
    }

    @Test
    public void noTimeIsNoEnergy() {
        assertEquals(0, integrate(t -> 5, even(5, 4), 2.5, 2.5), 0);
    }

    @Test
    public void valuesInBetweenAreLinear() {
        double[] times = {0, 1, 3};
        double[] values = {0, 10, 30};
        assertEquals(5, Trapezoid.at(times, values, 0.5), 1e-12);
        assertEquals(20, Trapezoid.at(times, values, 2), 1e-12);
        assertEquals(30, Trapezoid.at(times, values, 3), 0);
    }
}
