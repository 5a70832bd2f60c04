EXTRA_DIST += daemon/step/step.h
