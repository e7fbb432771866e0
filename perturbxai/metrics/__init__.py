"""Floor 3: functions of a result's values and of a game's answers. None of them asks a model or re-fits a method."""
