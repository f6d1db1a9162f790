package android.widget;

public class ArrayAdapter<T> implements SpinnerAdapter {
    public ArrayAdapter(android.content.Context context, int layout, java.util.List<T> items) {
        throw new AssertionError("stub");
    }

    public void setDropDownViewResource(int layout) {
        throw new AssertionError("stub");
    }
}
