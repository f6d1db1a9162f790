package android.view;

public interface WindowManager {
    class LayoutParams {
        public static final int FLAG_KEEP_SCREEN_ON = 128;
        public static final int FLAG_SHOW_WHEN_LOCKED = 524288;
        public static final int FLAG_TURN_SCREEN_ON = 2097152;
    }
}
