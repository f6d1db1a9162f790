package android.content;

public class Intent {
    public static final String ACTION_BATTERY_CHANGED = "android.intent.action.BATTERY_CHANGED";
    public static final String ACTION_GET_CONTENT = "android.intent.action.GET_CONTENT";
    public static final String ACTION_SEND = "android.intent.action.SEND";
    public static final String EXTRA_TEXT = "android.intent.extra.TEXT";

    public Intent(String action) {
        throw new AssertionError("stub");
    }

    public static Intent createChooser(Intent target, CharSequence title) {
        throw new AssertionError("stub");
    }

    public int getIntExtra(String name, int missing) {
        throw new AssertionError("stub");
    }

    public String getStringExtra(String name) {
        throw new AssertionError("stub");
    }

    public android.os.Bundle getExtras() {
        throw new AssertionError("stub");
    }

    public android.net.Uri getData() {
        throw new AssertionError("stub");
    }

    public Intent setType(String type) {
        throw new AssertionError("stub");
    }

    public Intent putExtra(String name, String value) {
        throw new AssertionError("stub");
    }
}
