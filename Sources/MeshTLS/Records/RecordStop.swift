/// Why opening records stopped.
enum RecordStop { case full, wantsInput, closed, failed }
