package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.List;

/** The order of measurements: every run once, then again, so that drift reaches all alike. */
public final class Schedule {
    private Schedule() {}

    /** One run in one round. */
    public static final class Step {
        public final int round;
        public final int run;

        Step(int round, int run) {
            this.round = round;
            this.run = run;
        }
    }

    public static List<Step> steps(int runs, int rounds) {
        List<Step> steps = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            for (int run = 0; run < runs; run++) {
                steps.add(new Step(round, run));
            }
        }
        return steps;
    }

    /** Whether a round goes on: for its time, and until it has its inferences. */
    public static boolean goesOn(double elapsed, double seconds, int done, int least) {
        return elapsed < seconds || done < least;
    }
}
