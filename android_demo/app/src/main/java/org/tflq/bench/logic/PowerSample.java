package org.tflq.bench.logic;

/** What the battery said at one moment, in the units that the device used. */
public final class PowerSample {
    /** How the phone is supplied. */
    public enum Supply {
        BATTERY("none"),
        USB("usb"),
        AC("ac"),
        WIRELESS("wireless"),
        OTHER("other");

        /** Its name in a result. */
        public final String key;

        Supply(String key) {
            this.key = key;
        }
    }

    /** A property that the device does not have. */
    public static final long NONE = Long.MIN_VALUE;

    public final long nanos;

    /** Documented as microamperes, negative while discharging; devices differ. */
    public final long current;

    /** Documented as millivolts; devices differ. */
    public final long voltage;

    /** Microampere-hours that are left. */
    public final long charge;

    public final Supply supply;
    public final boolean screenOn;

    public PowerSample(
            long nanos, long current, long voltage, long charge, Supply supply, boolean screenOn) {
        this.nanos = nanos;
        this.current = current;
        this.voltage = voltage;
        this.charge = charge;
        this.supply = supply;
        this.screenOn = screenOn;
    }

    public double seconds() {
        return nanos / 1e9;
    }

    /** Volts of a lithium battery (one or two cells), or NaN where no unit makes it one. */
    public double volts() {
        for (double unit : new double[] {1e-3, 1e-6, 1}) {
            if (voltage * unit >= 2 && voltage * unit <= 10) {
                return voltage * unit;
            }
        }
        return Double.NaN;
    }
}
