"""The isce3 engine: runs the OPERA RTC workflow (opera-adt/RTC on isce3 and s1-reader) for one burst."""
