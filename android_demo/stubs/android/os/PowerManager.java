package android.os;

public final class PowerManager {
    // API 29
    public int getCurrentThermalStatus() {
        throw new AssertionError("stub");
    }

    public boolean isInteractive() {
        throw new AssertionError("stub");
    }

    public boolean isPowerSaveMode() {
        throw new AssertionError("stub");
    }
}
