package android.os;

public class Build {
    public static final String MANUFACTURER = "".trim();
    public static final String MODEL = "".trim();
    public static final String HARDWARE = "".trim();
    public static final String FINGERPRINT = "".trim();
    public static final String[] SUPPORTED_ABIS = {};
    // API 31
    public static final String SOC_MANUFACTURER = "".trim();
    // API 31
    public static final String SOC_MODEL = "".trim();

    public static class VERSION {
        public static final String RELEASE = "".trim();
        public static final int SDK_INT = "".length();
    }
}
