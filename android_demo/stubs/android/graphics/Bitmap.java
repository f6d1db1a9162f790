package android.graphics;

public final class Bitmap {
    public static Bitmap createBitmap(Bitmap source, int x, int y, int width, int height) {
        throw new AssertionError("stub");
    }

    public static Bitmap createScaledBitmap(Bitmap source, int width, int height, boolean filter) {
        throw new AssertionError("stub");
    }

    public int getWidth() {
        throw new AssertionError("stub");
    }

    public int getHeight() {
        throw new AssertionError("stub");
    }

    public void getPixels(
            int[] pixels, int offset, int stride, int x, int y, int width, int height) {
        throw new AssertionError("stub");
    }
}
