package org.tflq.bench.phone;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.PowerManager;

import org.tflq.bench.logic.PowerSample;

import java.util.ArrayList;
import java.util.List;

/** Reads the battery ten times a second; how often it says something new is for others to tell. */
final class BatterySensor {
    private static final long EVERY_MILLIS = 100;

    /** Voltage and plug come by broadcast, about once a minute or when they change. */
    private static final int BROADCAST_EVERY = 5;

    private final Context context;
    private final BatteryManager battery;
    private final PowerManager power;
    private final Runnable alongside;
    private final List<PowerSample> samples = new ArrayList<>();
    private Thread thread;

    /**
     * A sensor.
     *
     * @param alongside called with every sample
     */
    BatterySensor(Context context, Runnable alongside) {
        this.context = context;
        this.alongside = alongside;
        battery = (BatteryManager) context.getSystemService(Context.BATTERY_SERVICE);
        power = (PowerManager) context.getSystemService(Context.POWER_SERVICE);
    }

    void start() {
        samples.clear();
        thread = new Thread(this::watch, "battery");
        thread.setDaemon(true);
        thread.start();
    }

    /** Stops, and returns the samples in the order of time. */
    List<PowerSample> stop() {
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return new ArrayList<>(samples);
    }

    /** The sticky broadcast, or null where there is no battery. */
    Intent broadcast() {
        return context.registerReceiver(null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
    }

    private void watch() {
        Intent broadcast = null;
        for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
            broadcast = i % BROADCAST_EVERY == 0 ? broadcast() : broadcast;
            if (broadcast != null) {
                samples.add(sample(broadcast));
            }
            alongside.run();
            try {
                Thread.sleep(EVERY_MILLIS);
            } catch (InterruptedException stopped) {
                return;
            }
        }
    }

    private PowerSample sample(Intent broadcast) {
        return new PowerSample(
                System.nanoTime(),
                property(BatteryManager.BATTERY_PROPERTY_CURRENT_NOW),
                broadcast.getIntExtra(BatteryManager.EXTRA_VOLTAGE, 0),
                property(BatteryManager.BATTERY_PROPERTY_CHARGE_COUNTER),
                supply(broadcast),
                power.isInteractive());
    }

    /** Missing properties are the least long or, on some devices, the least int. */
    private long property(int id) {
        long value = battery.getLongProperty(id);
        return value <= Integer.MIN_VALUE ? PowerSample.NONE : value;
    }

    static PowerSample.Supply supply(Intent broadcast) {
        switch (broadcast.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0)) {
            case 0:
                return PowerSample.Supply.BATTERY;
            case BatteryManager.BATTERY_PLUGGED_USB:
                return PowerSample.Supply.USB;
            case BatteryManager.BATTERY_PLUGGED_AC:
                return PowerSample.Supply.AC;
            case BatteryManager.BATTERY_PLUGGED_WIRELESS:
                return PowerSample.Supply.WIRELESS;
            default:
                return PowerSample.Supply.OTHER;
        }
    }
}
