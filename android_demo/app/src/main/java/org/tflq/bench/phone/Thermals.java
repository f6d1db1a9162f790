package org.tflq.bench.phone;

import android.content.Context;
import android.os.Build;
import android.os.PowerManager;

/** How hot the system says it is. */
final class Thermals {
    private final PowerManager power;

    Thermals(Context context) {
        power = (PowerManager) context.getSystemService(Context.POWER_SERVICE);
    }

    /** From 0, none, to 6, shutting down; null before Android 10, which does not tell. */
    Integer status() {
        return Build.VERSION.SDK_INT >= 29 ? (Integer) power.getCurrentThermalStatus() : null;
    }
}
