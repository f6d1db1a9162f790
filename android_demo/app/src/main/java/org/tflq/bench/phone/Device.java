package org.tflq.bench.phone;

import android.app.ActivityManager;
import android.content.Context;
import android.content.Intent;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the phone is, and what state it is in, as a result tells it. */
final class Device {
    private Device() {}

    static Map<String, Object> facts(Context context) {
        ActivityManager.MemoryInfo memory = new ActivityManager.MemoryInfo();
        ((ActivityManager) context.getSystemService(Context.ACTIVITY_SERVICE))
                .getMemoryInfo(memory);
        int cores = Runtime.getRuntime().availableProcessors();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("manufacturer", Build.MANUFACTURER);
        facts.put("model", Build.MODEL);
        facts.put("hardware", Build.HARDWARE);
        facts.put("soc", soc());
        facts.put("fingerprint", Build.FINGERPRINT);
        facts.put("android", Build.VERSION.RELEASE);
        facts.put("sdk", Build.VERSION.SDK_INT);
        facts.put("abis", Arrays.asList(Build.SUPPORTED_ABIS));
        facts.put("cores", cores);
        facts.put("max_frequencies_khz", maxFrequencies(cores));
        facts.put("memory_bytes", memory.totalMem);
        return facts;
    }

    /**
     * The state.
     *
     * @param battery the sticky broadcast, or null where there is no battery
     */
    static Map<String, Object> state(Context context, Intent battery, Integer thermalStatus) {
        PowerManager power = (PowerManager) context.getSystemService(Context.POWER_SERVICE);
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("plugged", battery == null ? null : BatterySensor.supply(battery).key);
        state.put("screen_on", power.isInteractive());
        state.put("power_save", power.isPowerSaveMode());
        state.put("battery_percent", battery == null ? null : percent(battery));
        state.put("battery_temperature_c", battery == null ? null : temperature(battery));
        state.put("thermal_status", thermalStatus);
        return state;
    }

    private static String soc() {
        return Build.VERSION.SDK_INT >= 31 ? Build.SOC_MANUFACTURER + " " + Build.SOC_MODEL : null;
    }

    /** In kHz, of the cores whose file the vendor lets apps read. */
    private static List<Object> maxFrequencies(int cores) {
        List<Object> frequencies = new ArrayList<>();
        for (int core = 0; core < cores; core++) {
            String path = "/sys/devices/system/cpu/cpu" + core + "/cpufreq/cpuinfo_max_freq";
            String text = TextFile.readOrEmpty(path).trim();
            if (text.matches("\\d{1,12}")) {
                frequencies.add(Long.valueOf(text));
            }
        }
        return frequencies;
    }

    private static Integer percent(Intent battery) {
        int level = battery.getIntExtra(BatteryManager.EXTRA_LEVEL, -1);
        int scale = battery.getIntExtra(BatteryManager.EXTRA_SCALE, 0);
        return level < 0 || scale <= 0 ? null : (Integer) (100 * level / scale);
    }

    /** The broadcast has tenths of a degree. */
    private static Double temperature(Intent battery) {
        int tenths = battery.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Integer.MIN_VALUE);
        return tenths == Integer.MIN_VALUE ? null : (Double) (tenths / 10.0);
    }
}
