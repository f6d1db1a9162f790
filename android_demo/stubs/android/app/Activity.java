package android.app;

public class Activity extends android.content.Context {
    public static final int RESULT_OK = -1;

    public void setContentView(int layout) {
        throw new AssertionError("stub");
    }

    public <T extends android.view.View> T findViewById(int id) {
        throw new AssertionError("stub");
    }

    public android.content.Intent getIntent() {
        throw new AssertionError("stub");
    }

    public android.view.Window getWindow() {
        throw new AssertionError("stub");
    }

    public void finish() {
        throw new AssertionError("stub");
    }

    public final void runOnUiThread(Runnable action) {
        throw new AssertionError("stub");
    }

    public void startActivityForResult(android.content.Intent intent, int request) {
        throw new AssertionError("stub");
    }

    // API 27
    public void setShowWhenLocked(boolean shows) {
        throw new AssertionError("stub");
    }

    // API 27
    public void setTurnScreenOn(boolean turns) {
        throw new AssertionError("stub");
    }

    protected void onCreate(android.os.Bundle state) {
        throw new AssertionError("stub");
    }

    protected void onRestart() {
        throw new AssertionError("stub");
    }

    protected void onStop() {
        throw new AssertionError("stub");
    }

    protected void onDestroy() {
        throw new AssertionError("stub");
    }

    protected void onActivityResult(int request, int code, android.content.Intent data) {
        throw new AssertionError("stub");
    }
}
