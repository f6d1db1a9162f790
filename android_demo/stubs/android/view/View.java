package android.view;

public class View {
    public void setOnClickListener(OnClickListener listener) {
        throw new AssertionError("stub");
    }

    public void setEnabled(boolean enabled) {
        throw new AssertionError("stub");
    }

    public interface OnClickListener {
        void onClick(View view);
    }
}
