//! Values that are several members.
