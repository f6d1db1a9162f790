package android.widget;

public class CheckBox extends android.view.View {
    public boolean isChecked() {
        throw new AssertionError("stub");
    }
}
