package org.tflq.bench.logic;

import java.util.ArrayList;
import java.util.List;

/** A stretch of time, in seconds, and how many inferences it held. */
public final class Window {
    public final double from;
    public final double to;
    public final double inferences;

    public Window(double from, double to, double inferences) {
        this.from = from;
        this.to = to;
        this.inferences = inferences;
    }

    public double seconds() {
        return to - from;
    }

    public double middle() {
        return (from + to) / 2;
    }

    public double secondsEach() {
        return seconds() / inferences;
    }

    /**
     * The window without its start, where the sensor still shows what was before: one update of it,
     * half of the window at most. Inferences are taken to be spread evenly.
     */
    Window settled(double period) {
        double skip = Math.min(Double.isNaN(period) ? 0 : period, seconds() / 2);
        return part(skip, seconds());
    }

    /** Equal parts, one after another. */
    List<Window> split(int parts) {
        List<Window> list = new ArrayList<>();
        for (int i = 0; i < parts; i++) {
            list.add(part(seconds() * i / parts, seconds() * (i + 1) / parts));
        }
        return list;
    }

    private Window part(double start, double end) {
        double share = (end - start) / seconds();
        return new Window(from + start, from + end, share * inferences);
    }
}
