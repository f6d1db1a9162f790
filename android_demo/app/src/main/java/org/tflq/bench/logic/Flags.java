package org.tflq.bench.logic;

/** What PROTOCOL.md lets a result or an energy warn of. */
public final class Flags {
    public static final String CHARGING_OVER_USB = "charging_over_usb";
    public static final String CHARGING = "charging";
    public static final String SCREEN_OFF = "screen_off";
    public static final String SCREEN_ON = "screen_on";
    public static final String POWER_SAVE = "power_save";
    public static final String THERMAL_THROTTLING = "thermal_throttling";
    public static final String TOO_FEW_SAMPLES = "too_few_samples";
    public static final String NO_CURRENT_SENSOR = "no_current_sensor";
    public static final String CURRENT_IN_MILLIAMPERES = "current_in_milliamperes";
    public static final String CURRENT_SIGN_INVERTED = "current_sign_inverted";
    public static final String IDLE_DRIFTED = "idle_drifted";
    public static final String CHARGE_COUNTER = "charge_counter";
    public static final String BELOW_IDLE = "below_idle";

    private Flags() {}
}
