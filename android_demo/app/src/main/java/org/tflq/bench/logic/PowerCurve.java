package org.tflq.bench.logic;

import java.util.List;

/** Power drawn from the battery over time, from whichever sensor the device has. */
public interface PowerCurve {
    /** Mean power in mW from one second to another; NaN where the sensor said too little. */
    double meanMilliwatts(double from, double to);

    /** How often the sensor said something new in that time. */
    int fresh(double from, double to);

    /** Seconds between two new values: the median, or NaN when there are fewer than two. */
    double period();

    /** What a reader should know of the sensor. */
    List<String> flags();
}
