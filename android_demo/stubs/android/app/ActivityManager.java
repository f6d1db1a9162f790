package android.app;

public class ActivityManager {
    public void getMemoryInfo(MemoryInfo info) {
        throw new AssertionError("stub");
    }

    public static class MemoryInfo {
        public long totalMem;
    }
}
