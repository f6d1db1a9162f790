package android.widget;

public class Spinner extends android.view.View {
    public void setAdapter(SpinnerAdapter adapter) {
        throw new AssertionError("stub");
    }

    public int getSelectedItemPosition() {
        throw new AssertionError("stub");
    }

    public Object getSelectedItem() {
        throw new AssertionError("stub");
    }

    public void setSelection(int position) {
        throw new AssertionError("stub");
    }
}
