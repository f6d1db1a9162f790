package org.tflq.bench;

import android.app.Activity;
import android.widget.ArrayAdapter;
import android.widget.Spinner;

import java.util.List;

/** A list on the screen to pick one item from. */
final class Choice {
    private final Activity activity;
    private final Spinner spinner;

    Choice(Activity activity, int view, List<String> items) {
        this.activity = activity;
        spinner = activity.findViewById(view);
        set(items);
    }

    /** Shows other items; what was picked stays so where it is among them. */
    void set(List<String> items) {
        int kept = items.indexOf(item());
        ArrayAdapter<String> adapter =
                new ArrayAdapter<>(activity, android.R.layout.simple_spinner_item, items);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        spinner.setAdapter(adapter);
        spinner.setSelection(Math.max(0, kept));
    }

    /** Its place in the list; -1 when the list is empty. */
    int index() {
        return spinner.getSelectedItemPosition();
    }

    /** The item, or null when the list is empty. */
    String item() {
        return (String) spinner.getSelectedItem();
    }
}
