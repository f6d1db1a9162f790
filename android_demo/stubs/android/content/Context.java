package android.content;

public abstract class Context {
    public static final String ACTIVITY_SERVICE = "activity";
    public static final String BATTERY_SERVICE = "batterymanager";
    public static final String POWER_SERVICE = "power";

    public Object getSystemService(String name) {
        throw new AssertionError("stub");
    }

    public Intent registerReceiver(BroadcastReceiver receiver, IntentFilter filter) {
        throw new AssertionError("stub");
    }

    public java.io.File getExternalFilesDir(String type) {
        throw new AssertionError("stub");
    }

    public java.io.File getCacheDir() {
        throw new AssertionError("stub");
    }

    public String getPackageName() {
        throw new AssertionError("stub");
    }

    public android.content.pm.PackageManager getPackageManager() {
        throw new AssertionError("stub");
    }

    public android.content.res.AssetManager getAssets() {
        throw new AssertionError("stub");
    }

    public android.content.res.Resources getResources() {
        throw new AssertionError("stub");
    }

    public ContentResolver getContentResolver() {
        throw new AssertionError("stub");
    }

    public final String getString(int id, Object... arguments) {
        throw new AssertionError("stub");
    }

    public final String getString(int id) {
        throw new AssertionError("stub");
    }

    public void startActivity(Intent intent) {
        throw new AssertionError("stub");
    }
}
