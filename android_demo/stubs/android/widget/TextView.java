package android.widget;

public class TextView extends android.view.View {
    public CharSequence getText() {
        throw new AssertionError("stub");
    }

    public final void setText(CharSequence text) {
        throw new AssertionError("stub");
    }

    public final void setText(int id) {
        throw new AssertionError("stub");
    }
}
