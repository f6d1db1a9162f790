package android.graphics;

public class BitmapFactory {
    public static Bitmap decodeStream(java.io.InputStream stream, Rect padding, Options options) {
        throw new AssertionError("stub");
    }

    public static class Options {
        public boolean inJustDecodeBounds;
        public int inSampleSize;
        public int outWidth;
        public int outHeight;
    }
}
